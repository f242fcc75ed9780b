// SPDX-License-Identifier: EUPL-1.2

extension Finding {
    /// Every rule by which a blueprint is judged. The tests walk all of them, so that none goes
    /// without a case that shows its place, its message and its remedy.
    package enum Code: String, CaseIterable, Sendable {
        // What can be read at all.
        case tooLarge = "too-large"
        case notUTF8 = "not-utf8"
        case notYAML = "not-yaml"
        case notAMapping = "not-a-mapping"
        case keyIsNoText = "key-is-no-text"
        case missingKey = "missing-key"
        case unknownKey = "unknown-key"
        case unknownWord = "unknown-word"
        case wrongValue = "wrong-value"

        // Files beside the blueprint.
        case fileElsewhere = "file-elsewhere"
        case fileMissing = "file-missing"
        case notCSV = "not-csv"
        case columnMissing = "column-missing"
        case columnIgnored = "column-ignored"
        case cellEmpty = "cell-empty"
        case notLDIF = "not-ldif"
        case passwordsInDirectory = "passwords-in-directory"
        case memberUnknown = "member-unknown"
        case notStructures = "not-structures"
        case noIDFromName = "no-id-from-name"
        case secondHolder = "second-holder"
        case notXML = "not-xml"
        case notBPMN = "not-bpmn"
        case noProcess = "no-process"

        // How the parts refer to one another.
        case duplicateID = "duplicate-id"
        case reservedID = "reserved-id"
        case danglingReference = "dangling-reference"
        case circularReference = "circular-reference"

        // Structures.
        case badAGS = "bad-ags"
        case nobodyInRole = "nobody-in-role"
        case noDeputy = "no-deputy"
        case notReachable = "not-reachable"
        case noRoles = "no-roles"

        // Services.
        case rtoAboveMTPD = "rto-above-mtpd"
        case essentialWithoutTimes = "essential-without-times"
        case rpoTooLong = "rpo-too-long"
        case leikaForm = "leika-form"
        case leikaUnknown = "leika-unknown"
        case serviceWithoutMeans = "service-without-means"
        case noMTPD = "no-mtpd"
        case noServices = "no-services"

        // Data sets.
        case excludeRepeatsPath = "exclude-repeats-path"

        // Applications and platforms.
        case unprotectedApplication = "unprotected-application"
        case quiesceWithoutResume = "quiesce-without-resume"
        case needWithoutName = "need-without-name"
        case needWithoutStandIn = "need-without-stand-in"
        case healthFromOne = "health-from-one"
        case healthWithoutPort = "health-without-port"
        case trialFromOne = "trial-from-one"
        case queryOfNoCluster = "query-of-no-cluster"
        case unknownPlaceholder = "unknown-placeholder"
        case secretInConfiguration = "secret-in-configuration"
        case notASecret = "not-a-secret"
        case placedTwice = "placed-twice"
        case noImage = "no-image"
        case noServer = "no-server"
        case noHealth = "no-health"
        case noPlatforms = "no-platforms"
        case platformOfNobody = "platform-of-nobody"

        // Data sets.
        case secretFromOne = "secret-from-one"
        case passwordInBlueprint = "password-in-blueprint"
        case noPattern = "no-pattern"
        case needTooLow = "need-too-low"
        case dataOfNobody = "data-of-nobody"
        case noRPO = "no-rpo"
        case hostMissing = "host-missing"
        case passwordInCommand = "password-in-command"
        case noCategories = "no-categories"
        case noData = "no-data"
        case notAtSite = "not-at-site"
    }
}
