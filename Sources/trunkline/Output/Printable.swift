/// Text that others wrote (remote servers, producers), made fit for a line on a terminal.

extension String {
    /// Control characters as escapes: they must not make lines of their own, nor steer a terminal.
    var printable: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            return self
        }
        var line = ""
        for scalar in unicodeScalars {
            if scalar.properties.generalCategory == .control {
                line += scalar.escaped(asASCII: true)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}
