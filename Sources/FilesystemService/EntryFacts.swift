import EnvdAPI
package import LinuxSystem
package import SandboxContext
package import SystemPackage

/// What is known of one entry of a directory, from which an `EntryInfo` is made.
package struct EntryFacts: Sendable {
    /// Of the entry itself, also if it is a link.
    package let status: FileStatus
    /// Of what a link leads to in the end; nil where it leads nowhere, and of what is not a link.
    let targetStatus: FileStatus?
    /// Where a link leads in the end; nil where it leads nowhere, and of what is not a link.
    let target: RawPath?
    /// What clients have attached to the file, without the prefix of its attributes.
    let metadata: [String: String]

    /// The prefix of the extended attributes that hold metadata.
    package static let metadataPrefix = "user.e2b."

    /// Looks at the entry `name` of `directory`, and where it is a link also at what that leads to.
    ///
    /// - Throws: `Errno`: `permissionDenied` also for what another attempt may see.
    package init(
        of name: RawPath, in directory: borrowing OwnedDescriptor, _ resolver: FileResolver
    ) throws(Errno) {
        let status = try directory.status(of: name)
        self.status = status
        guard status.kind == .symbolicLink else {
            self.targetStatus = nil
            self.target = nil
            self.metadata = try Self.metadata(of: name, in: directory, status, resolver)
            return
        }
        let target: OwnedDescriptor
        do {
            target = try resolver.open(name, in: directory, .pathOnly)
        } catch {
            // The other attempt follows only links of root.
            if resolver.isRetried, status.uid == 0, error == .permissionDenied { throw error }
            self.targetStatus = nil
            self.target = nil
            self.metadata = [:]
            return
        }
        let targetStatus = try target.status()
        self.targetStatus = targetStatus
        self.target = target.currentPath()
        self.metadata = try Self.metadata(of: .empty, in: target, targetStatus, resolver)
    }

    /// Looks at what a path names: a link is not followed, unless the path ends with a slash.
    package init(of location: borrowing FileLocation, _ resolver: FileResolver) throws(Errno) {
        guard location.needsDirectory else {
            try self.init(of: location.name, in: location.directory, resolver)
            return
        }
        let directory = try resolver.open(location.name, in: location.directory, [.pathOnly, .directory])
        try self.init(of: .empty, in: directory, resolver)
    }

    /// Those attributes whose names and values are UTF-8. Only files and directories can have any.
    private static func metadata(
        of name: RawPath, in directory: borrowing OwnedDescriptor, _ status: FileStatus,
        _ resolver: FileResolver
    ) throws(Errno) -> [String: String] {
        guard status.kind == .regular || status.kind == .directory,
            let attributes = try? directory.attributeNames(of: name)
        else { return [:] }
        var metadata: [String: String] = [:]
        let prefix = Self.metadataPrefix.utf8
        for attribute in attributes where attribute.bytes.starts(with: prefix) {
            do {
                let value = try directory.attribute(attribute, of: name)
                guard let key = String(validating: attribute.bytes.dropFirst(prefix.count), as: UTF8.self),
                    let text = String(validating: value, as: UTF8.self)
                else { continue }
                metadata[key] = text
            } catch {
                // Reading them takes the right to read the file.
                if resolver.isRetried, error == .permissionDenied { throw error }
            }
        }
        return metadata
    }
}
