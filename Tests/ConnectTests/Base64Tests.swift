import Connect
import Testing

@Suite struct Base64Tests {
    /// RFC 4648, section 10, and the characters in which the two alphabets differ.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("~~~", "fn5+"), ("???", "Pz8/"),
    ])
    func `bytes become text and back`(_ plain: String, _ text: String) {
        let bytes = Array(plain.utf8)
        let unpadded = String(text.prefix { $0 != "=" })
        #expect(Base64.encode(bytes, padding: true) == text)
        #expect(Base64.encode(bytes, padding: false) == unpadded)
        #expect(Base64.decode(text.utf8) == bytes)
        #expect(Base64.decode(unpadded.utf8) == bytes)
        let urlSafe = text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        #expect(Base64.decode(String(urlSafe).utf8) == bytes)
    }

    @Test func `all bytes survive`() {
        for count in 0..<300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(Base64.decode(Base64.encode(bytes, padding: true).utf8) == bytes)
            #expect(Base64.decode(Base64.encode(bytes, padding: false).utf8) == bytes)
        }
    }

    @Test(arguments: ["Z", "Zm9vY", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zg=a", "é", "Zm9!"])
    func `what is not Base64 is refused`(_ text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}
