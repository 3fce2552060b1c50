package import LinuxSystem

/// An entry's place: the directory that holds it, and its name there.
package struct FileLocation: ~Copyable, Sendable {
    /// Opened with ``OpenFlags/pathOnly``.
    package let directory: OwnedDescriptor
    /// One name, which may be `.` or `..`, without slashes.
    package let name: RawPath
    /// Whether the path ended with a slash: then it means a directory, and a link to one is followed.
    package let needsDirectory: Bool

    package init(directory: consuming OwnedDescriptor, name: RawPath, needsDirectory: Bool) {
        self.directory = directory
        self.name = name
        self.needsDirectory = needsDirectory
    }
}
