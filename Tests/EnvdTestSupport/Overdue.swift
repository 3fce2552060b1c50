package import NIOCore

/// Something that a test waited for did not happen.
package struct Overdue: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) {
        self.description = description
    }
}

/// The time after which a test gives up on an event: far beyond what a busy machine needs for all tests, which begin
/// together.
package let patience = TimeAmount.minutes(2)
