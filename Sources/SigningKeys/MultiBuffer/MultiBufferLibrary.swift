internal import CCrypto
internal import Glibc

/// Intel's crypto_mb, loaded at run time: eight RSA operations side by side in AVX-512 registers.
///
/// Debian has no package of it; `deploy/crypto-mb` makes the library. It does not blind, and its
/// authors claim that it runs in constant time.
final class MultiBufferLibrary {
    static let lanes = 8
    static let standardName = "libcrypto_mb.so.12"
    /// RSA sizes that it knows, in bits, and we accept.
    static let keySizes: Set<Int> = [2_048, 3_072, 4_096]
    static let largestSignature = 512

    let privateOperation: trunkline_mb_private
    let publicOperation: trunkline_mb_public

    /// - Parameter name: a path, or a name that the dynamic linker finds.
    init(_ name: String) throws(MultiBufferRefusal) {
        // It is never unloaded: what it has set up in the process would stay anyway.
        guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
            throw .notLoaded(dlerror().map { String(cString: $0) } ?? name)
        }
        func function<Function>(
            _ symbol: String, as type: Function.Type
        ) throws(MultiBufferRefusal) -> Function {
            guard let address = dlsym(handle, symbol) else { throw .lacks(symbol) }
            return unsafeBitCast(address, to: type)
        }
        let isApplicable = try function(
            "mbx_is_crypto_mb_applicable", as: trunkline_mb_applicable.self)
        guard isApplicable(0) != 0 else { throw .unfitProcessor }
        privateOperation = try function(
            "mbx_rsa_private_crt_ssl_mb8", as: trunkline_mb_private.self)
        publicOperation = try function("mbx_rsa_public_ssl_mb8", as: trunkline_mb_public.self)
    }
}

/// Why signatures are made one at a time.
package enum MultiBufferRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the dynamic linker says.
    case notLoaded(String)
    case lacks(String)
    /// It has no AVX-512 IFMA.
    case unfitProcessor
    case wrongSignatures
    /// Eight at once take longer than eight times one.
    case slower

    package var description: String {
        switch self {
        case .notLoaded(let reason): "it cannot be loaded: \(reason)"
        case .lacks(let symbol): "it has no function \(symbol): it is another library"
        case .unfitProcessor: "this processor has not what it needs (AVX-512 IFMA)"
        case .wrongSignatures: "its signatures are wrong"
        case .slower: "libcrypto is faster on this processor"
        }
    }
}
