internal import CCrypto

/// The numbers of an RSA key, copied out of libcrypto's object as crypto_mb wants them: 2 kB for
/// RSA-2048.
final class RSANumbers {
    let bits: Int
    let modulus: OpaquePointer
    let publicExponent: OpaquePointer
    let p: OpaquePointer
    let q: OpaquePointer
    let exponentP: OpaquePointer
    let exponentQ: OpaquePointer
    let inverseQ: OpaquePointer

    /// nil for what crypto_mb cannot sign with: other sizes, more than two primes or primes of
    /// unequal size, and a public exponent that makes its check dear.
    init?(of key: OpaquePointer) {
        bits = Int(EVP_PKEY_get_bits(key))
        guard MultiBufferLibrary.keySizes.contains(bits) else { return nil }
        // EVP_PKEY-RSA(7); Swift does not see the macros.
        let names = [
            "n", "e", "rsa-factor1", "rsa-factor2", "rsa-exponent1", "rsa-exponent2",
            "rsa-coefficient1",
        ]
        let third = Self.number("rsa-factor3", of: key)
        let found = names.compactMap { Self.number($0, of: key) }
        let half = Int32(bits / 2)
        guard third == nil, found.count == names.count,
            BN_is_word(found[1], Self.usualExponent) == 1,
            BN_num_bits(found[2]) == half, BN_num_bits(found[3]) == half
        else {
            for number in found + [third] { BN_clear_free(number) }
            return nil
        }
        (modulus, publicExponent) = (found[0], found[1])
        (p, q) = (found[2], found[3])
        (exponentP, exponentQ, inverseQ) = (found[4], found[5], found[6])
        // With wrong ones libcrypto still signs, by the private exponent.
        guard isConsistent else { return nil }
    }

    /// RFC 8017 section 3.2, without the private exponent.
    private var isConsistent: Bool {
        guard let context = BN_CTX_new(), let number = BN_new(), let lessOne = BN_new() else {
            return false
        }
        defer {
            BN_CTX_free(context)
            BN_clear_free(number)
            BN_clear_free(lessOne)
        }
        func isInverse(_ factor: OpaquePointer, of prime: OpaquePointer) -> Bool {
            BN_sub(lessOne, prime, BN_value_one()) == 1
                && BN_mod_mul(number, factor, publicExponent, lessOne, context) == 1
                && BN_is_one(number) == 1
        }
        return BN_mul(number, p, q, context) == 1 && BN_cmp(number, modulus) == 0
            && BN_mod_mul(number, inverseQ, q, p, context) == 1 && BN_is_one(number) == 1
            && isInverse(exponentP, of: p) && isInverse(exponentQ, of: q)
    }

    deinit {
        for number in [modulus, publicExponent, p, q, exponentP, exponentQ, inverseQ] {
            BN_clear_free(number)
        }
    }

    private static let usualExponent: UInt = 65_537

    private static func number(_ name: String, of key: OpaquePointer) -> OpaquePointer? {
        var number: OpaquePointer?
        let isThere = EVP_PKEY_get_bn_param(key, name, &number) == 1
        CryptoFailure.clear()
        return isThere ? number : nil
    }
}
