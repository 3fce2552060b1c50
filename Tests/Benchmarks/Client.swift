import Glibc

/// A client over one connection that does as little as it can.
///
/// Of what it receives it looks at no more than the end.
final class Client {
    /// Bytes of one read at most.
    private static let readBytes = 256 << 10
    /// Bytes of what was received that are kept at least.
    private static let keptBytes = 1 << 10

    private let socket: LoopbackSocket
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Client.keptBytes * 2 + Client.readBytes, alignment: 64)
    private var filled = 0
    /// Bytes that were received since the last ``send(_:)``.
    private(set) var count = 0

    init(port: UInt16) throws {
        self.socket = try .connected(to: port)
    }

    deinit { self.buffer.deallocate() }

    /// For poll(2).
    var descriptor: CInt { self.socket.descriptor }

    /// Sends a request.
    func send(_ bytes: [UInt8]) throws {
        self.filled = 0
        self.count = 0
        let written = write(self.socket.descriptor, bytes, bytes.count)
        guard written == bytes.count else { throw Failure("write", errno: errno) }
    }

    /// Sends `piece` again and again, behind what was sent before.
    func send(_ piece: [UInt8], times: Int) throws {
        for _ in 0..<times {
            try piece.withUnsafeBytes { bytes in
                var sent = 0
                while sent < bytes.count {
                    let written = write(
                        self.socket.descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
                    guard written > 0 else { throw Failure("write", errno: errno) }
                    sent += written
                }
            }
        }
    }

    /// Receives once, waiting if there is nothing.
    ///
    /// - Returns: false at the end of the connection.
    func receive() throws -> Bool {
        if self.filled > Self.keptBytes * 2 {  // Only the end matters.
            let rest = UnsafeRawBufferPointer(
                rebasing: self.buffer[(self.filled - Self.keptBytes)..<self.filled])
            self.buffer.copyMemory(from: rest)
            self.filled = Self.keptBytes
        }
        let read = read(
            self.socket.descriptor, self.buffer.baseAddress?.advanced(by: self.filled), Self.readBytes)
        guard read >= 0 else { throw Failure("read", errno: errno) }
        self.filled += read
        self.count += read
        return read > 0
    }

    /// Receives until it has `count` bytes.
    func receive(count: Int) throws {
        while self.count < count { try self.receiveMore() }
    }

    /// Receives until what it has ends with `end`.
    func receive(upTo end: StaticString) throws {
        while !self.ends(with: end) { try self.receiveMore() }
    }

    /// Receives until the other side ends the connection.
    func receiveAll() throws {
        while try self.receive() {}
    }

    /// Receives until `text` has come.
    func receive(until text: StaticString) throws {
        while self.position(of: text) == nil { try self.receiveMore() }
    }

    private func receiveMore() throws {
        guard try self.receive() else { throw Failure("the daemon closed the connection") }
    }

    func ends(with end: StaticString) -> Bool {
        let start = self.filled - end.utf8CodeUnitCount
        guard start >= 0, let bytes = self.buffer.baseAddress else { return false }
        return memcmp(bytes + start, end.utf8Start, end.utf8CodeUnitCount) == 0
    }

    func contains(_ text: StaticString) -> Bool { self.position(of: text) != nil }

    private func position(of text: StaticString) -> Int? {
        guard let bytes = self.buffer.baseAddress else { return nil }
        let last = self.filled - text.utf8CodeUnitCount
        var position = 0
        while position <= last {
            if memcmp(bytes + position, text.utf8Start, text.utf8CodeUnitCount) == 0 { return position }
            position += 1
        }
        return nil
    }

    /// The bytes up to the end of `text`, which has come early.
    func length(of text: StaticString) throws -> Int {
        guard self.filled == self.count, let position = self.position(of: text) else {
            throw Failure("the response is not what it should be")
        }
        return position + text.utf8CodeUnitCount
    }

    /// The decimal number behind `text`.
    func number(after text: StaticString) -> Int? {
        guard let position = self.position(of: text) else { return nil }
        let digits = self.buffer[(position + text.utf8CodeUnitCount)..<self.filled].prefix {
            (48...57).contains($0)
        }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
