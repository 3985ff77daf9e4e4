/// Waiting for a child without a thread: a pidfd is readable once its process has ended.

internal import Dispatch

extension ChildProcess {
    package func exit() async -> ProcessExit {
        await withCheckedContinuation { continuation in
            let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
            source.setEventHandler { source.cancel() }
            // The descriptor stays open until the source has let go of it: `self` is held here.
            source.setCancelHandler { continuation.resume(returning: self.wait()) }
            source.activate()
        }
    }
}
