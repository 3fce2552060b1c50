internal import CLinuxSystem
package import SystemPackage

extension Errno {
    /// What strerror says in the C locale, beginning in lower case: `no such file or directory`.
    ///
    /// - SeeAlso: strerrordesc_np(3).
    package var lowercasedDescription: String {
        guard let pointer = clinux_error_text(self.rawValue) else { return "errno \(self.rawValue)" }
        let text = String(cString: pointer)
        // "RFS specific error" begins with a name.
        guard let second = text.dropFirst().first, !second.isUppercase else { return text }
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
