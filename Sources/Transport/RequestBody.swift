/// The bytes of one activity, at an address that stays: libcurl reads them in place.

/// All transfers of an activity share one body, so a fan-out to 30,000 inboxes holds it once.
/// Each transfer keeps a reference until libcurl has let go of it.
package final class RequestBody {
    let bytes: UnsafeMutableRawBufferPointer

    package init(_ source: some Collection<UInt8>) {
        bytes = .allocate(byteCount: source.count, alignment: 1)
        bytes.copyBytes(from: source)
    }

    deinit { bytes.deallocate() }

    package var count: Int { bytes.count }
}
