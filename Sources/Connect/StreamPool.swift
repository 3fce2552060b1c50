import Synchronization

/// Compression streams that are used again and again.
final class StreamPool<Stream: Sendable>: Sendable {
    /// Streams that are kept while nobody uses them.
    private let kept = 4
    private let make: @Sendable () -> Stream?
    private let idle = Mutex<[Stream]>([])

    init(make: @escaping @Sendable () -> Stream?) {
        self.make = make
    }

    /// A stream that nobody else uses; nil if there is no memory for one.
    func take() -> Stream? {
        self.idle.withLock { $0.popLast() } ?? self.make()
    }

    func put(_ stream: Stream) {
        self.idle.withLock { idle in
            if idle.count < self.kept { idle.append(stream) }
        }
    }
}
