/// `/metrics`: everything that is counted, for Prometheus.

internal import Hummingbird
internal import Telemetry

extension AdminServer {
    static func addMetrics(to router: Router<BasicRequestContext>, _ source: AdminSource) {
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusText.contentType],
                body: ResponseBody(
                    byteBuffer: ByteBuffer(
                        string: PrometheusText.render(await source.metrics()))))
        }
    }
}
