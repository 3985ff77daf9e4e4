/// A producer's own words inside a reason: cut to 64 characters, nothing in them that a log or a
/// terminal would obey.
func quoted(_ text: String) -> String {
    var shown = "\""
    for scalar in text.unicodeScalars.prefix(64) {
        if scalar.properties.generalCategory == .control || scalar == "\"" || scalar == "\\" {
            shown += scalar.escaped(asASCII: true)
        } else {
            shown.unicodeScalars.append(scalar)
        }
    }
    return shown + (text.unicodeScalars.count > 64 ? "...\"" : "\"")
}
