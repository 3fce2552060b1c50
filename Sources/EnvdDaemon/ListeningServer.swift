import HTTPTransport
import NIOCore

/// The server, for services that are made before it. Bound to an event loop.
final class ListeningServer: Sendable {
    private let box: NIOLoopBoundBox<HTTPServer?>

    init(on eventLoop: any EventLoop) {
        self.box = NIOLoopBoundBox.makeEmptyBox(eventLoop: eventLoop)
    }

    /// Nil until it listens.
    var server: HTTPServer? {
        get { self.box.value }
        set { self.box.value = newValue }
    }
}
