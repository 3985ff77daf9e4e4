/// Something whose cost is measured.
struct Operation {
    /// So many batches; what is to be counted goes through the meter.
    typealias Run = (_ batches: Int, inout Meter) throws(Flaw) -> Void

    let name: String
    /// Operations that are made together; what is said is said of one of them.
    let batch: Int
    /// Everything that is not counted, and a look at whether the operation does what it should.
    let prepare: () throws(Flaw) -> Run

    enum Flaw: Error {
        /// This machine cannot do it, and why.
        case unavailable(String)
        /// It does not do what it should: nothing that it takes means anything.
        case wrong(String)
    }

    init(_ name: String, batch: Int = 1, prepare: @escaping () throws(Flaw) -> Run) {
        self.name = name
        self.batch = batch
        self.prepare = prepare
    }

    /// One that changes nothing: the same on the same values, again and again.
    ///
    /// - Parameter prepare: gives it, and what tells its right result from others.
    init<Value>(
        _ name: String, batch: Int = 1,
        repeating prepare:
            @escaping () throws(Flaw) -> (
                body: () -> Value, isRight: (Value) -> Bool
            )
    ) {
        self.init(name, batch: batch) { () throws(Flaw) in
            let (body, isRight) = try prepare()
            guard isRight(body()) else { throw .wrong("\(name) has a wrong result") }
            return { batches, meter in
                meter.count { for _ in 0..<batches { consume(body()) } }
            }
        }
    }

    static var all: [Operation] { signing + composing + parsing + coding + scheduling }
}
