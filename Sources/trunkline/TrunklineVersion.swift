/// The version of this program: what `--version`, the admin server and the User-Agent say.
enum TrunklineVersion {
    static let current = "0.1.0"
}
