internal import CEpoll
internal import Glibc

/// What libcurl waits for, by descriptor, and what epoll knows of it.
///
/// A descriptor stays registered while its connection is idle: at most deliveries libcurl then asks
/// for what epoll has already, and there is no system call.
struct Sockets {
    private struct Entry {
        var shard = 0
        var wanted: UInt32 = 0
        var registered: UInt32 = 0
    }

    let epoll = epoll_create1(0)
    private var entries: [Entry] = []

    mutating func want(_ descriptor: Int32, _ events: UInt32, shard: Int) {
        let index = Int(descriptor)
        while index >= entries.count { entries.append(Entry()) }
        entries[index].shard = shard
        entries[index].wanted = events
        guard events != 0, entries[index].registered != events else { return }
        control(entries[index].registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, events)
        entries[index].registered = events
    }

    /// Whose event it is; nil when nobody waits for it: it is not told again.
    mutating func shard(of descriptor: Int32) -> Int? {
        let index = Int(descriptor)
        if entries[index].wanted != 0 { return entries[index].shard }
        if entries[index].registered != 0 {
            control(EPOLL_CTL_DEL, descriptor, 0)
            entries[index].registered = 0
        }
        return nil
    }

    /// Closed: the kernel forgets it too.
    mutating func forget(_ descriptor: Int32) {
        if Int(descriptor) < entries.count { entries[Int(descriptor)] = Entry() }
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
        if epoll_ctl(epoll, operation, descriptor, &event) != 0 {
            stop("epoll_ctl: \(String(cString: strerror(errno)))")
        }
    }
}
