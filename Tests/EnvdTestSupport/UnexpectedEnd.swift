/// The server ended the connection in the middle of what a test expected.
package struct UnexpectedEnd: Error {
    package var received: String
    package var cause: (any Error)?

    package init(received: String, cause: (any Error)? = nil) {
        self.received = received
        self.cause = cause
    }
}
