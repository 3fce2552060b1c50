/// What becomes of an entry that has the new name already.
///
/// - SeeAlso: renameat2(2); linux/fs.h.
package enum RenameMode: UInt32, Sendable {
    /// It is replaced, if it is of the same kind and not a directory with entries.
    case replace = 0
    /// It is an error, `Errno.fileExists`.
    case noReplace = 1
    /// It gets the old name.
    case exchange = 2
}
