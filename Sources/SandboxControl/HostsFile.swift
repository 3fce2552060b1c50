internal import Glibc
import LinuxIO
import LinuxSystem
import SystemPackage

/// The file of host names, in which one name of ours is kept.
package struct HostsFile: Sendable {
    /// Bytes of a file that is edited at most.
    private static let limit = 1 << 20
    /// Columns that an address takes at least.
    private static let addressColumns = 16

    private let path: String
    private let lock = FairLock()

    package init(path: String = "/etc/hosts") {
        self.path = path
    }

    /// Makes `name` stand for `address` alone, among addresses of its family.
    ///
    /// - Throws: `Errno`: `invalidArgument` if `address` is none; `fileTooLarge`.
    func map(_ name: String, to address: String, on pool: BlockingPool) async throws(Errno) {
        let path = self.path
        let result: Result<Void, Errno> = await self.lock.run {
            do throws(Errno) {
                return .success(try await pool.run { () throws(Errno) in try Self.edit(path, name, address) })
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private static func edit(_ path: String, _ name: String, _ address: String) throws(Errno) {
        let text = try KernelText.read(path)
        guard text.utf8.count <= Self.limit else { throw .fileTooLarge }
        guard let edited = try Self.mapping(name, to: address, in: text) else { return }
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY)
        try file.replaceContent(Array(edited.utf8))
    }

    /// `text` with `name` standing for `address`; nil if it does already.
    ///
    /// - Throws: `Errno.invalidArgument` if `address` is none.
    static func mapping(_ name: String, to address: String, in text: String) throws(Errno) -> String? {
        guard let family = Self.family(of: address) else { throw .invalidArgument }
        var lines = text.parts(between: "\n", keepsEmpty: true).map { HostsLine($0) }
        if lines.last?.text.isEmpty == true { lines.removeLast() }
        // Another spelling of the same address counts as well.
        let wanted = Self.canonical(address)
        if lines.contains(where: { Self.canonical($0.address) == wanted && $0.names.contains(name) }) {
            return nil
        }
        var edited: [HostsLine] = []
        for var line in lines {
            if line.names.contains(name), Self.family(of: line.address) == family {
                line.names.removeAll { $0 == name }
                if line.names.isEmpty { continue }
            }
            edited.append(line)
        }
        let place = edited.firstIndex { Self.canonical($0.address) == wanted && $0.comment == nil }
        if let place {
            edited[place].names.append(name)
        } else {
            var line = HostsLine("")
            line.address = address
            line.names = [name]
            edited.append(line)
        }
        return edited.map { $0.rendered(columns: Self.addressColumns) + "\n" }.joined()
    }

    /// AF_INET or AF_INET6; nil if `address` is none.
    private static func family(of address: String) -> CInt? {
        switch Self.canonical(address)?.count {
        case 4: AF_INET
        case 16: AF_INET6
        default: nil
        }
    }

    /// The bytes of `address`: 4 or 16; nil if it is none.
    private static func canonical(_ address: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, address, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
