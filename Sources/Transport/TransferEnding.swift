/// From libcurl's result to an exchange: the one place that knows its codes.

internal import CCurl
internal import DeliveryCore
internal import Glibc

struct TransferEnding {
    var code: CURLcode
    var status: Int
    var retryAfter: String?
    var rateLimit: RateLimitFields?
    var osError: Int32
    /// CURLOPT_ERRORBUFFER, which says more than the code.
    var text: String
    var record: Transfer.Record

    var exchange: Exchange {
        if code == CURLE_OK && isAnswer || hasEnough {
            return .answered(
                Answer(
                    status: status, retryAfter: retryAfter, rateLimit: rateLimit,
                    excerpt: record.excerpt))
        }
        return .failed(failure, detail: detail)
    }

    /// While other streams are under way libcurl may call a stream well that had no answer.
    private var isAnswer: Bool { !record.isStream || status >= 200 }

    /// We ended it: the answer is as complete as it needs to be.
    private var hasEnough: Bool {
        record.overran == .body || record.overran == .wire && record.isHeadComplete
    }

    private var detail: String {
        switch record.overran {
        case .headers: return "header fields exceed their limit"
        case .wire: return "more bytes than any answer needs"
        case .body, nil: break
        }
        return text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
    }

    private var failure: TransportFailure {
        switch code {
        case CURLE_OK: .malformedAnswer
        case CURLE_COULDNT_RESOLVE_HOST: .nameUnavailable
        case CURLE_COULDNT_CONNECT: connectFailure
        case CURLE_OPERATION_TIMEDOUT:
            // A handshake that hangs is a connection that was not made: nothing has been sent yet.
            record.isReady ? .timedOut : .connectTimedOut
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            .certificateInvalid
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER: .tlsFailed
        case CURLE_ABORTED_BY_CALLBACK: abortion
        case CURLE_WRITE_ERROR: record.overran == .headers ? .malformedAnswer : .connectionLost
        case CURLE_WEIRD_SERVER_REPLY, CURLE_FILESIZE_EXCEEDED, CURLE_BAD_CONTENT_ENCODING:
            .malformedAnswer
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            .connectionLost
        case CURLE_HTTP2 where !record.isReady: .connectFailed
        case CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            Self.breaches.contains(where: text.contains) ? .malformedAnswer : .connectionLost
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_OUT_OF_MEMORY:
            // Once the request is out: an answer that is not HTTP/1, or one endless header line.
            record.isReady ? .malformedAnswer : .notSent
        default: record.isReady ? .connectionLost : .notSent
        }
    }

    /// Codes are the same for a connection or stream that broke, and for broken chunks or frames;
    /// only the text differs: libcurl's own, or nghttp2's name of an error of HTTP/2.
    private static let breaches = [
        "chunked-encoding", "nghttp2", "PROTOCOL_ERROR", "FRAME_SIZE_ERROR", "COMPRESSION_ERROR",
        "FLOW_CONTROL_ERROR", "before getting",
    ]

    /// A callback of ours said no.
    private var abortion: TransportFailure {
        if record.overran == .wire { return record.isReady ? .malformedAnswer : .tlsFailed }
        if record.isStream, record.tries > Transfer.tryLimit { return .connectionLost }
        return record.refusedAddresses > 0 ? .forbiddenAddress : .notSent
    }

    private var connectFailure: TransportFailure {
        if record.openedSockets == 0 {
            if record.socketError != 0, record.socketError != EAFNOSUPPORT { return .notSent }
            if record.refusedAddresses > 0 { return .forbiddenAddress }
        }
        switch osError {
        case ETIMEDOUT: return .connectTimedOut
        // Our ports or buffers are used up.
        case EADDRNOTAVAIL, ENOBUFS, ENOMEM: return .notSent
        default: return .connectFailed
        }
    }
}
