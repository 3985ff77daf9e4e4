/// What hostile servers of plain HTTP do, each time something else.
func misbehave(_ connection: ServerConnection, _ count: Int) {
    switch count % 16 {
    case 0: connection.reset()
    case 1: connection.end()
    case 2:
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        connection.end()
    case 3: connection.send("nonsense\r\n\r\n")
    case 4: connection.send(Bench.accepted + "trailing rubbish")
    case 5: endless(connection, "HTTP/1.1 200 OK\r\n\r\n", "a")
    case 6: endless(connection, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n")
    case 7: endless(connection, "HTTP/1.1 200 OK\r\nX: ", "a")
    case 8: endless(connection, "", "HTTP/1.1 100 Continue\r\n\r\n")
    case 9: endless(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", "a")
    case 10:
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    case 11:
        connection.send(
            "HTTP/1.1 307 Go\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n")
    case 12 where count % 160 == 12: break
    case 13: connection.send("\0\0\u{12}\u{4}\0\0\0\0\0")
    case 14: connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
    default: connection.send(Bench.accepted)
    }
}

private func endless(_ connection: ServerConnection, _ start: String, _ more: String) {
    connection.send(start)
    let piece = Array(String(repeating: more, count: 32_768 / more.utf8.count).utf8)
    connection.source = { piece }
    connection.send("")
}
