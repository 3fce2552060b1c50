internal import Glibc
import Testing

/// Feeds to the fuzzed functions what a fuzzer found to make a difference.
@Suite struct ReplayTests {
    @Test(arguments: FuzzTarget.allCases)
    func `Every input of the corpus keeps the promises`(_ target: FuzzTarget) throws {
        let inputs = try Corpus.inputs(of: target)
        try #require(!inputs.isEmpty)
        for (name, input) in inputs {
            #expect(throws: Never.self, "\(name)") { try target.run(FuzzInput(input)) }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `The beginnings of every input keep the promises`(_ target: FuzzTarget) throws {
        for (name, input) in try Corpus.inputs(of: target) {
            for length in 0..<min(input.count, 64) {
                #expect(throws: Never.self, "\(name), \(length) bytes") {
                    try target.run(FuzzInput(input.prefix(length)))
                }
            }
        }
    }
}
