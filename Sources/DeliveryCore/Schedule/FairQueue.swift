internal import DequeModule
internal import HeapModule

/// The senders of one lane and the hosts that each has something for: start-time fair queueing
/// (Goyal, Vin, Cheng 1996), every delivery of unit cost.
///
/// Each turn goes to the sender that has had the least, and to the next of its hosts. So a celebrity
/// with 30,000 inboxes and a sender with one delivery take turns as equals: the one waits for as
/// many turns as there are senders, whatever they have queued.
package struct FairQueue: Sendable {
    private struct Flow {
        var hosts: Deque<HostID> = []
        var members: Set<HostID> = []
        /// Virtual time at which its last turn ended.
        var finish: UInt64 = 0
        /// It stands in the heap, or has its turn at this moment.
        var isWaiting = false
    }

    private struct Turn: Comparable {
        var start: UInt64
        /// Of equals the one goes first that came first.
        var number: UInt64
        var sender: SenderID

        static func < (left: Turn, right: Turn) -> Bool {
            (left.start, left.number) < (right.start, right.number)
        }
    }

    /// Senders without anything to send are remembered up to this many.
    static let idleFlowLimit = 4_096

    private var flows: [SenderID: Flow] = [:]
    /// At so many the idle ones are forgotten next.
    private var flowLimit = Self.idleFlowLimit
    private var turns = Heap<Turn>()
    private var virtualTime: UInt64 = 0
    private var lastNumber: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { turns.isEmpty }

    /// A host stands once with a sender.
    package mutating func insert(_ host: HostID, for sender: SenderID) {
        // Where it stands: a flow that was taken out would be copied with all its hosts.
        guard flows[sender, default: Flow()].members.insert(host).inserted else { return }
        flows[sender]?.hosts.append(host)
        wait(sender)
    }

    /// Whose turn it is, and with which host. The host leaves; the turn must be ended.
    package mutating func popFirst() -> (sender: SenderID, host: HostID)? {
        guard let turn = turns.popMin() else { return nil }
        virtualTime = max(virtualTime, turn.start)
        guard let host = flows[turn.sender]?.hosts.popFirst() else {
            preconditionFailure("a sender without hosts has a turn")
        }
        flows[turn.sender]?.members.remove(host)
        return (turn.sender, host)
    }

    /// - Parameter isUsed: something was sent; a turn that was not used costs nothing.
    package mutating func endTurn(of sender: SenderID, isUsed: Bool) {
        flows[sender]?.isWaiting = false
        if isUsed {
            let start = max(flows[sender]?.finish ?? 0, virtualTime)
            flows[sender]?.finish = start + 1
        }
        if flows[sender]?.hosts.isEmpty == false {
            wait(sender)
        } else if flows.count > flowLimit {
            // Who is not ahead of the others has nothing to remember.
            flows = flows.filter { $0.value.isWaiting || $0.value.finish > virtualTime }
            // If hardly any went, it is not tried again at every turn.
            flowLimit = max(flows.count * 2, Self.idleFlowLimit)
        }
    }

    private mutating func wait(_ sender: SenderID) {
        guard let flow = flows[sender], !flow.isWaiting else { return }
        lastNumber += 1
        turns.insert(
            Turn(start: max(flow.finish, virtualTime), number: lastNumber, sender: sender))
        flows[sender]?.isWaiting = true
    }
}
