import Testing

@testable import Transport

struct AddressGuardTests {
    @Test(arguments: [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1",
        "172.15.255.255", "172.32.0.0", "192.0.1.0", "198.20.0.0", "223.255.255.255",
        "134744072", "0x8.8.8.8", "2606:4700::1111", "[2a01:4f8::1]", "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1", "2001:200::1", "2003::1",
    ])
    func `public addresses are permitted`(host: String) {
        #expect(AddressGuard().permits(host) == true)
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.0", "172.31.255.255",
        "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "2130706433", "0x7f000001", "0x7f.1", "0177.1", "127.1", "127.0.1",
        "127.0.0.1.", "0", "0xa9fea9fe", "::", "::1", "[::1]", "::ffff:127.0.0.1",
        "[::ffff:10.0.0.1]", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::1.1.1.1", "100::1", "2001::1", "2001:0:1::", "2001:2::1",
        "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:101:101::1", "3fff::1", "3fff:fff::1",
        "5f00::1", "fc00::1", "fdff::1", "fe80::1", "fe80::1%eth0", "[fe80::1%25eth0]",
        "fec0::1", "ff02::1", "::ffff:0:127.0.0.1", "4000::1",
    ])
    func `special addresses are refused in every notation`(host: String) {
        #expect(AddressGuard().permits(host) == false)
    }

    @Test(arguments: [
        "example.com", "localhost", "1.2.3.4.5", "1.2.3.256", "256.1.1.1", "1.16777216", "0x",
        "0x1g",
        "08.1.1.1", "+1.1.1.1", "1..1", "", ".", "4294967296", "[::1", "12345::1", "a.1.1.1",
    ])
    func `names are nobody's business here`(host: String) {
        #expect(AddressGuard().permits(host) == nil)
    }

    @Test func `the allow-list wins, also inside of NAT64 and over mapped addresses`() {
        let addresses = AddressGuard(allowed: ["127.0.0.0/8", "fd00::/8", "10.1.2.3"])
        #expect(addresses.permits("127.9.9.9") == true)
        #expect(addresses.permits("::ffff:127.0.0.1") == true)
        #expect(addresses.permits("64:ff9b::127.0.0.1") == true)
        #expect(addresses.permits("fd12::1") == true)
        #expect(addresses.permits("10.1.2.3") == true)
        #expect(addresses.permits("10.1.2.4") == false)
        #expect(addresses.permits("fc12::1") == false)
        #expect(addresses.permits("::1") == false)
    }

    @Test func `everything can be allowed, family by family`() {
        let only4 = AddressGuard(allowed: ["0.0.0.0/0"])
        #expect(only4.permits("127.0.0.1") == true)
        #expect(only4.permits("::1") == false)
        let both = AddressGuard(allowed: ["::/0"])
        #expect(both.permits("::1") == true)
        #expect(both.permits("127.0.0.1") == true)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "ten/8",
        "10.0.0.0/ 8",
    ])
    func `a malformed range is refused`(text: String) {
        #expect(AddressRange(text) == nil)
    }
}
