import NetworkVolumes
import SandboxControl

/// Lets `/init` mount network volumes.
struct InitVolumes: VolumeMounting {
    let volumes: NetworkVolumes

    func mount(_ volumes: [VolumeMount], lifecycle: String) async throws(VolumeMountFailure) {
        do {
            try await self.volumes.mount(
                volumes.map { NetworkVolumes.Volume(target: $0.target, path: $0.path) }, lifecycle: lifecycle)
        } catch {
            throw VolumeMountFailure(message: error.message)
        }
    }
}
