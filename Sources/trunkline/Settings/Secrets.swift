internal import RedisQueue

/// Places of servers, as people may see them.
enum Secrets {
    private static let hidden = "***"

    static func redacted(redis url: String) -> String {
        guard let endpoint = try? RedisEndpoint(url) else { return "(no URL of Redis)" }
        let shown = endpoint.description
        guard endpoint.password != nil, let scheme = shown.firstRange(of: "://") else {
            return shown
        }
        return shown[..<scheme.upperBound] + "\(endpoint.user ?? ""):\(hidden)@"
            + shown[scheme.upperBound...]
    }

    /// libpq's two forms, manual 34.1.1: `keyword=value ...` and `postgresql://...?keyword=value`.
    static func redacted(database text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return redacted(pairs: text) }
        var rest = text[scheme.upperBound...]
        var shown = String(text[..<scheme.upperBound])
        // As libpq finds it: a login ends with the first @ that comes before any slash.
        let login = rest.prefix { !"@/".contains($0) }
        if login.endIndex < rest.endIndex, rest[login.endIndex] == "@" {
            let user = login.prefix { $0 != ":" }
            shown += user + (user.endIndex < login.endIndex ? ":\(hidden)" : "")
            rest = rest[login.endIndex...]
        }
        // A further one, but in the value of a parameter, was meant to be part of a password.
        if let at = rest.dropFirst().lastIndex(of: "@"), !isInParameter(at, of: rest) {
            return text[..<scheme.upperBound] + hidden + rest[at...]
        }
        shown += rest.prefix { $0 != "?" }
        rest = rest.drop { $0 != "?" }
        guard let question = rest.firstIndex(of: "?") else { return shown + rest }
        let parameters = rest[rest.index(after: question)...].split(separator: "&").map { pair in
            let name = pair.prefix { $0 != "=" }
            return name.contains("password") ? "\(name)=\(hidden)" : String(pair)
        }
        return shown + rest[...question] + parameters.joined(separator: "&")
    }

    private static func isInParameter(_ place: Substring.Index, of rest: Substring) -> Bool {
        guard let question = rest[..<place].firstIndex(of: "?") else { return false }
        return rest[question..<place].contains("=")
    }

    private static func redacted(pairs text: String) -> String {
        var shown: [String] = []
        var rest = text[...]
        while true {
            rest = rest.drop(while: \.isWhitespace)
            guard !rest.isEmpty else { return shown.joined(separator: " ") }
            let name = rest.prefix { $0 != "=" }
            rest = rest[name.endIndex...].dropFirst().drop(while: \.isWhitespace)
            let value = takeValue(&rest)
            let keyword = name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            shown.append("\(keyword)=\(keyword.contains("password") ? hidden : value)")
        }
    }

    /// Quoted or up to a blank; a backslash takes the next character as it is.
    private static func takeValue(_ rest: inout Substring) -> String {
        var value = ""
        var isQuoted = false
        while let next = rest.first, isQuoted || !next.isWhitespace {
            value.append(rest.removeFirst())
            if next == "\\", let taken = rest.popFirst() { value.append(taken) }
            if next == "'" { isQuoted.toggle() }
        }
        return value
    }
}
