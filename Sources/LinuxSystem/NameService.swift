import Glibc
package import SystemPackage

/// A lookup like getpwnam_r(3): entry, buffer and its size, where to put a pointer to the entry or nil.
typealias NameServiceLookup<Entry> = (
    UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int,
    UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
) -> CInt

/// Looks an entry up, with a larger buffer for as long as it does not fit, and copies what is needed out of
/// it.
///
/// - Returns: nil if there is no such entry.
/// - SeeAlso: getpwnam_r(3), which also lists the errors that mean "not found".
func lookUpName<Entry, Result>(
    _ empty: Entry,
    _ lookUp: NameServiceLookup<Entry>,
    _ copy: (Entry) -> Result
) throws(Errno) -> Result? {
    var entry = empty
    var size = 4096
    while true {
        var found: UnsafeMutablePointer<Entry>?
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
        defer { buffer.deallocate() }
        let error = Errno(rawValue: lookUp(&entry, buffer, size, &found))
        if let found { return copy(found.pointee) }
        switch error {
        case .interrupted: continue
        case .outOfRange: size *= 2
        case Errno(rawValue: 0), .noSuchFileOrDirectory, .noSuchProcess, .badFileDescriptor, .notPermitted:
            return nil
        default: throw error
        }
    }
}

/// The ID of a group, nil if there is none of that name.
///
/// - SeeAlso: getgrnam_r(3).
func groupID(named name: String) throws(Errno) -> UInt32? {
    try lookUpName(group(), { getgrnam_r(name, $0, $1, $2, $3) }, \.gr_gid)
}

/// The name of a group, nil if there is none with that ID. May block: the database may be on the network.
///
/// - SeeAlso: getgrgid_r(3).
package func groupName(of gid: UInt32) throws(Errno) -> String? {
    try lookUpName(group(), { getgrgid_r(gid, $0, $1, $2, $3) }) { String(cString: $0.gr_name) }
}

/// `primary`, then the other groups of a user; only `primary` if they cannot be found out.
///
/// - SeeAlso: getgrouplist(3).
func groupIDs(ofUserNamed name: String, primary: UInt32) -> [UInt32] {
    var count: CInt = 64
    while true {
        let capacity = count
        let groups = [UInt32](unsafeUninitializedCapacity: Int(capacity)) { buffer, initialized in
            let result = getgrouplist(name, primary, buffer.baseAddress, &count)
            initialized = result < 0 ? 0 : Int(result)
        }
        if !groups.isEmpty {
            return [primary] + groups.filter { $0 != primary }
        }
        // Too few places: `count` says how many it takes. Anything else is a failure.
        guard count > capacity else { return [primary] }
    }
}
