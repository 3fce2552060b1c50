import NIOCore
import SandboxContext

extension ProcessService {
    /// Has the times that commands are given stand still while the workload does.
    func follow(_ pause: WorkloadPause) {
        let table = self.table
        var began = NIODeadline.now()
        pause.observe {
            began = .now()
            for process in table.value.all { process.state.value.lifetime?.pause() }
        } ended: {
            for process in table.value.all { process.state.value.lifetime?.resume() }
            table.value.shiftExpiry(by: .now() - began)
        }
    }
}
