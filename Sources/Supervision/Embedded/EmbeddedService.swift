/// A private server of a pool, as ``KeptServer`` sees it, whose tasks carry its type along.
package protocol EmbeddedService: AnyObject, SendableMetatype {
    /// For people.
    static var title: String { get }
    var logPath: String { get }
    /// nil while the server is stopped; one that has died is still there.
    var process: ChildProcess? { get }
    /// In its directory and on its socket, after `stop` as after a death; blocks until it serves.
    func start() throws(EmbeddedServiceError)
    func stop()
}
