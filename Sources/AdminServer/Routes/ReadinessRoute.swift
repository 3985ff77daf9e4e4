/// `/readyz`: 200 when every worker delivers, else 503 with the reasons.

internal import Hummingbird

extension AdminServer {
    static func addReadiness(to router: Router<BasicRequestContext>, _ source: AdminSource) {
        router.get("/readyz") { request, context in
            let readiness = Readiness(await source.workers(), at: source.now())
            var response = try readiness.response(from: request, context: context)
            response.status = readiness.ready ? .ok : .serviceUnavailable
            return response
        }
    }
}

extension Readiness: ResponseEncodable {}
