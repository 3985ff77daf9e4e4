/// `/healthz`: this process answers. For liveness probes: a worker that can't reach Redis is no
/// reason to kill the supervisor.

internal import Hummingbird

extension AdminServer {
    static func addHealth(to router: Router<BasicRequestContext>) {
        router.get("/healthz") { _, _ in "ok\n" }
    }
}
