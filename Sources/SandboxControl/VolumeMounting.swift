/// Mounts the network volumes that `/init` asks for.
package protocol VolumeMounting: Sendable {
    /// Mounts those of `volumes` that are not mounted yet in this `lifecycle`.
    ///
    /// - Throws: ``VolumeMountFailure`` for the first that cannot be mounted.
    func mount(_ volumes: [VolumeMount], lifecycle: String) async throws(VolumeMountFailure)
}

/// Why a volume cannot be mounted.
package struct VolumeMountFailure: Error {
    /// For the client.
    package var message: String

    package init(message: String) {
        self.message = message
    }
}
