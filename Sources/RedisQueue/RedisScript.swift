/// The Lua scripts, one file each in `Scripts/`: every step that must happen as a whole or not at
/// all. Each file says what its KEYS and ARGV are.
enum RedisScript: CaseIterable {
    case createGroups, finishIntake, rejectIntake, recoverIntake, findPredecessors
    case takeLease, sealLease, renewLease, releaseLease
    case route, resolve, endEntries, release, releaseDue
    case examine, clearPartition, restore, writeMark, seek
    case heartbeat, writeIntakeState

    var source: [UInt8] {
        switch self {
        case .createGroups: PackageResources.create_groups_lua
        case .finishIntake: PackageResources.finish_intake_lua
        case .rejectIntake: PackageResources.reject_intake_lua
        case .recoverIntake: PackageResources.recover_intake_lua
        case .findPredecessors: PackageResources.find_predecessors_lua
        case .takeLease: PackageResources.take_lease_lua
        case .sealLease: PackageResources.seal_lease_lua
        case .renewLease: PackageResources.renew_lease_lua
        case .releaseLease: PackageResources.release_lease_lua
        case .route: PackageResources.route_lua
        case .resolve: PackageResources.resolve_lua
        case .endEntries: PackageResources.end_entries_lua
        case .release: PackageResources.release_lua
        case .releaseDue: PackageResources.release_due_lua
        case .examine: PackageResources.examine_lua
        case .clearPartition: PackageResources.clear_partition_lua
        case .restore: PackageResources.restore_lua
        case .seek: PackageResources.seek_lua
        case .writeMark: PackageResources.write_mark_lua
        case .heartbeat: PackageResources.heartbeat_lua
        case .writeIntakeState: PackageResources.write_intake_state_lua
        }
    }

    /// The command that runs the script whether Redis knows it or not.
    func evaluation(_ operands: RedisCommand) -> RedisCommand {
        var command = RedisCommand("EVAL")
        command.append(source)
        command.append(contentsOf: operands)
        return command
    }

    /// The command that runs a script that Redis knows; else it answers NOSCRIPT.
    static func evaluation(digest: [UInt8], _ operands: RedisCommand) -> RedisCommand {
        var command = RedisCommand("EVALSHA")
        command.append(digest)
        command.append(contentsOf: operands)
        return command
    }

    /// What follows the script: its keys and then, for the caller to append, its arguments.
    static func operands(keys: [String]) -> RedisCommand {
        var operands = RedisCommand()
        operands.append(keys.count)
        for key in keys { operands.append(key) }
        return operands
    }
}
