import EnvdTestSupport
import Glibc
import LinuxSystem
import NIOCore
import SystemPackage

@testable import WorkloadFreezer

/// Directories with the files of cgroups, which keep whatever is written: a hierarchy in every state that the kernel
/// would not give to a test.
final class PlainTree: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/workload-freezer-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        self.path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try self.write("", to: "cgroup.controllers")
    }

    deinit {
        Self.remove(self.path)
    }

    /// The tree as the freezer sees it.
    var tree: CgroupTree { get throws { try CgroupTree(at: self.path) } }

    /// Makes a group and those above it.
    func add(_ group: String, freeze: Bool = false, frozen: Bool = false) throws {
        var path = ""
        for part in group.split(separator: "/") {
            path += path.isEmpty ? String(part) : "/\(part)"
            guard mkdir("\(self.path)/\(path)", 0o755) == 0 else { continue }
            try self.set(path)
        }
        try self.set(group, freeze: freeze, frozen: frozen)
    }

    /// Removes a group.
    func remove(_ group: String) throws {
        Self.remove("\(self.path)/\(group)")
    }

    /// Changes the state of a group.
    func set(_ group: String, freeze: Bool = false, frozen: Bool = false) throws {
        try self.write(freeze ? "1\n" : "0\n", to: "\(group)/cgroup.freeze")
        try self.write("populated 1\nfrozen \(frozen ? 1 : 0)\n", to: "\(group)/cgroup.events")
    }

    /// Makes a file of a group one that can be neither read nor written.
    func spoil(_ file: String, of group: String) throws {
        let path = "\(self.path)/\(group)/\(file)"
        unlink(path)
        guard mkdir(path, 0o755) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Makes a spoiled file whole again.
    func repair(_ file: String, of group: String) throws {
        rmdir("\(self.path)/\(group)/\(file)")
        try self.write("0\n", to: "\(group)/\(file)")
    }

    func write(_ text: String, to file: String) throws {
        let descriptor = try OwnedDescriptor.open(
            "\(self.path)/\(file)", flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        _ = try Array(text.utf8).withUnsafeBytes { bytes throws(Errno) in try descriptor.write(bytes) }
    }

    /// The groups that were asked to freeze, ordered by name.
    var frozen: [String] {
        get throws {
            let tree = try self.tree
            var frozen: [String] = []
            _ = tree.walk(limit: .max) { group throws(Errno) in
                if !group.isEmpty, try tree.isFreezeRequested(group) { frozen.append(group.string) }
            }
            return frozen.sorted()
        }
    }

    /// Waits until these groups were asked to freeze, and no others.
    func settled(on groups: [String]) async throws {
        let deadline = NIODeadline.now() + patience
        while try self.frozen != groups {
            guard NIODeadline.now() < deadline else {
                throw Overdue(description: "frozen are \(try self.frozen), and not \(groups)")
            }
            await Task.yield()
        }
    }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { self.remove("\(path)/\(name)") }
            }
            closedir(stream)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
