internal import CCurl
internal import Glibc

/// One multi handle: its share of the hosts.
final class Shard {
    private unowned let poster: Poster
    private let number: Int
    private let multi: UnsafeMutableRawPointer
    /// When libcurl wants to be called though nothing happened, by `Poster.wallMicroseconds`.
    private(set) var deadline: Int?

    init(poster: Poster, number: Int) {
        guard let multi = curl_multi_init() else { stop("curl_multi_init failed") }
        self.poster = poster
        self.number = number
        self.multi = multi
        let this = Unmanaged.passUnretained(self).toOpaque()
        // Every connection is kept.
        trunkline_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 20_000)
        trunkline_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        trunkline_curl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, this)
        trunkline_curl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, this)
        trunkline_curl_multi_set_socket_callback(multi) { _, descriptor, what, client, _ in
            guard let client else { return 0 }
            let shard = Unmanaged<Shard>.fromOpaque(client).takeUnretainedValue()
            // CURL_POLL_IN and EPOLLIN are both 1; CURL_POLL_OUT is 2, EPOLLOUT 4.
            let events = what == CURL_POLL_REMOVE ? 0 : UInt32(what & 1 | (what & 2) << 1)
            shard.poster.sockets.want(descriptor, events, shard: shard.number)
            return 0
        }
        trunkline_curl_multi_set_timer_callback(multi) { _, milliseconds, client in
            guard let client else { return 0 }
            Unmanaged<Shard>.fromOpaque(client).takeUnretainedValue().deadline =
                milliseconds < 0 ? nil : Poster.wallMicroseconds + milliseconds * 1_000
            return 0
        }
    }

    /// Over a connection that stands, the request is in the kernel when this returns.
    func add(_ slot: Slot) {
        curl_multi_add_handle(multi, slot.easy)
        timeOut()
    }

    func timeOut() {
        deadline = nil
        act(on: trunkline_curl_socket_bad(), 0)
    }

    func act(on descriptor: curl_socket_t, _ events: UInt32) {
        // An error is told as readiness: the next call on the descriptor gets it.
        let broken = events & ~5 != 0
        let readiness = broken ? 3 : Int32(events & 1 | (events & 4) >> 1)
        var running: Int32 = 0
        curl_multi_socket_action(multi, descriptor, readiness, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard let easy = message.pointee.easy_handle else { continue }
            let code = trunkline_curl_result(message)
            curl_multi_remove_handle(multi, easy)
            var client: UnsafeMutableRawPointer?
            trunkline_curl_get_pointer(easy, CURLINFO_PRIVATE, &client)
            guard let client else { continue }
            poster.finished(Unmanaged<Slot>.fromOpaque(client).takeUnretainedValue(), code)
        }
    }
}
