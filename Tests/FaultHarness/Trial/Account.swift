/// What came of all rounds of a trial.
struct Account {
    private(set) var owed = 0
    private(set) var lost = 0
    private(set) var duplicates = 0
    private(set) var resends: [Duration] = []
    private(set) var complaints: [String] = []
    private(set) var remarks: [String] = []

    mutating func add(_ round: Round) {
        owed += round.owed.count
        lost += round.lost.count
        duplicates += round.duplicates
        resends += round.resends
        complaints += round.complaints
        remarks += round.remarks
    }
}

/// One load from its first to its last activity: what the sink took, what PostgreSQL says.
struct Round {
    let plan: LoadPlan
    let numbers: Range<Int>
    let promise: Fault.Promise
    let pool: Pool

    private(set) var owed: Set<LoadDelivery> = []
    private(set) var lost: Set<LoadDelivery> = []
    private(set) var duplicates = 0
    private(set) var resends: [Duration] = []
    private(set) var complaints: [String] = []
    private(set) var remarks: [String] = []
    private var states: [LoadDelivery: String] = [:]

    init(plan: LoadPlan, numbers: Range<Int>, promise: Fault.Promise, pool: Pool) {
        self.plan = plan
        self.numbers = numbers
        self.promise = promise
        self.pool = pool
    }

    /// Waits until nothing is left to do. What does not end is lost, which is for the account to
    /// say: so this does not throw for it.
    mutating func settle(within limit: Duration) throws {
        do {
            try Poll.until("intake and logs are empty", within: limit) {
                try pool.openEntries() == 0
            }
            try Poll.until("nothing waits", within: limit) {
                states = try pool.recorded(numbers)
                return !states.values.contains("waiting")
            }
        } catch let late as Poll.NeverCame {
            complaints.append("\(late)")
            states = try pool.recorded(numbers)
        }
    }

    /// Compares what was owed, what was taken and what is recorded.
    mutating func take(_ lines: [SinkProcess.Taken], _ takeovers: [Takeover]) throws {
        let known = Set(states.keys.map(\.number))
        let forgotten = numbers.count - known.count
        for number in numbers where promise == .acknowledged || known.contains(number) {
            owed.formUnion(plan.targets(of: number).map { LoadDelivery(number: number, host: $0) })
        }
        if forgotten > 0, promise == .expanded {
            remarks.append("\(forgotten) acknowledged activities were not yet on record")
        }
        let taken = Set(lines.filter { $0.accepted > 0 }.map(\.delivery))
        let ended = states.filter { $0.value != "waiting" && $0.value != "delivered" }
        lost = owed.subtracting(taken).subtracting(ended.keys)
        if let example = lost.first { complaints.append(try pool.whereabouts(of: example, plan)) }
        // Of an earlier round each is one too many.
        duplicates = lines.reduce(0) {
            $0 + max($1.accepted - ($1.delivery.number < numbers.lowerBound ? 0 : 1), 0)
        }
        compare(taken)
        if !ended.isEmpty { complaints.append("\(ended.count) ended otherwise: \(ended.first!)") }
        let partitions = try pool.partitionsOfHosts(plan)
        for takeover in takeovers {
            if let resend = takeover.firstResend(in: lines, partitions: partitions) {
                resends.append(resend)
            } else {
                complaints.append("nothing was sent again")
            }
        }
    }

    private mutating func compare(_ taken: Set<LoadDelivery>) {
        let recorded = Set(states.filter { $0.value == "delivered" }.keys)
        let unseen = recorded.subtracting(taken)
        let unrecorded = taken.intersection(owed).subtracting(recorded)
        if let example = unseen.first {
            complaints.append("only PostgreSQL has \(unseen.count): \(example)")
        }
        if let example = unrecorded.first {
            complaints.append("only the sink has \(unrecorded.count): \(example)")
        }
        let strange = taken.filter { !plan.targets(of: $0.number).contains($0.host) }
        if let example = strange.first {
            complaints.append("nobody asked for \(strange.count): \(example)")
        }
    }
}

extension Pool {
    /// The state of each delivery of these activities.
    func recorded(_ numbers: Range<Int>) throws -> [LoadDelivery: String] {
        let ids = numbers.map { "\"\(LoadPlan.id($0))\"" }.joined(separator: ",")
        let rows = try query(
            "select activity, inbox, state from trunkline.delivery where activity = any ($1)",
            ["{\(ids)}"])
        var states: [LoadDelivery: String] = [:]
        for row in rows {
            guard let delivery = LoadDelivery(activity: row[0] ?? "", inbox: row[1] ?? "") else {
                continue
            }
            states[delivery] = row[2]
        }
        return states
    }

    /// What is known of a delivery that did not come.
    func whereabouts(of lost: LoadDelivery, _ plan: LoadPlan) throws -> String {
        let pair = Pair(
            activity: LoadPlan.id(lost.number), inbox: "https://\(plan.authority(lost.host))/inbox")
        let record = try delivery(pair).map { "\($0)" } ?? "not on record"
        return "\(pair): \(record); \(try laterEntries()) deliveries in later, "
            + "\(try heldEntries()) in held"
    }

    /// The partition of each of the load's hosts.
    func partitionsOfHosts(_ plan: LoadPlan) throws -> [Int: Int] {
        let rows = try query("select name, partition from trunkline.host")
        let byName = Dictionary(
            rows.map { ($0[0] ?? "", $0[1].flatMap { Int($0) } ?? 0) }, uniquingKeysWith: { $1 })
        return Dictionary(
            uniqueKeysWithValues: (0..<plan.hosts).compactMap { host in
                byName[plan.authority(host)].map { (host, $0) }
            })
    }
}
