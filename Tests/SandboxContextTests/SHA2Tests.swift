import Testing

@testable import SandboxContext

@Suite struct SHA2Tests {
    private func hex<Word: SHA2Word>(_ word: Word.Type, _ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { SHA2<Word>.hexDigest(of: $0) }
    }

    @Test func `the digests of nothing and of abc are the published ones`() {
        #expect(
            self.hex(UInt32.self, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            self.hex(UInt32.self, "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(
            self.hex(UInt64.self, "")
                == "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e")
        #expect(
            self.hex(UInt64.self, "abc")
                == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
    }

    /// The digest of the digests of the first 0, 1, … 300 of the bytes 0, 1, … 250, 0, 1, …
    private func digestOfDigests<Word: SHA2Word>(_ word: Word.Type) -> String {
        let bytes = (0..<300).map { UInt8($0 % 251) }
        var digests: [UInt8] = []
        for length in 0...300 { digests += bytes[..<length].withUnsafeBytes { SHA2<Word>.digest(of: $0) } }
        return digests.withUnsafeBytes { SHA2<Word>.hexDigest(of: $0) }
    }

    @Test func `every length is padded right`() {
        // Expected values: Python's hashlib.
        #expect(
            self.digestOfDigests(UInt32.self)
                == "b90e35153500e9a471591550ee25a954527c6b4448afff95f7949a2ca93300ce")
        #expect(
            self.digestOfDigests(UInt64.self)
                == "da20b3b598f77f25e2e2d1941e345bfe16543f32378fbc8447fbb64f038964ce"
                + "a0808c9d450e5e83ac095f5656c102b2ff15a8e0501c7553a7afe1e0256b5e09")
    }

    @Test func `pieces hash like the whole`() {
        var hash = SHA2<UInt32>()
        for character in "abc".utf8 { hash.update([character]) }
        #expect(hash.finish() == Array("abc".utf8).withUnsafeBytes { SHA2<UInt32>.digest(of: $0) })
    }
}
