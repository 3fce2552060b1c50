/// A network volume that a sandbox is to have.
package struct VolumeMount: Sendable, Equatable {
    /// Server and export: `10.0.0.1:/volume`.
    package var target: String
    /// Where it is mounted.
    package var path: String

    package init(target: String, path: String) {
        self.target = target
        self.path = path
    }
}
