# Command line

cli-error = Error: { "" }
cli-not-found = What was asked for does not exist.
cli-busy = The system is busy; try again in a moment.
cli-internal = The program or its surroundings are at fault: { $reason }
mail-setting = With mail-url set, { $setting } is needed too.
config-value = The setting { $setting } cannot be "{ $value }"; expected: { $expected }.
config-file-unreadable = The configuration file { $file } cannot be read: { $reason }
config-file-wrong = The configuration file { $file } is wrong in line { $line }: { $reason }
config-key-unknown = The configuration file { $file } names in line { $line } an unknown setting "{ $key }". Known: { $known }.
listen-in-use = The address { $address } is in use by another program. Stop that one, or choose another address with --listen.
listen-failed = Cannot listen on { $address }: { $reason }
not-written = { $path } cannot be written: { $reason }
file-unreadable = { $file } cannot be read: { $reason }
key-unreadable = The signing key { $file } cannot be read: { $reason }. Put back your copy of the file; if it is lost, move it away and run suneng init for a new key.
checkpoint-unreadable = The checkpoint { $name } cannot be read: { $reason }
pack-folder-unreadable = The packs cannot be read: { $reason }
database-missing = There is no database { $file }. Run suneng init first, or name the data folder with --data.
database-not-migrated = The database waits for { $count } migrations. Make a backup, then run suneng migrate, or start the server, which migrates by itself.

init-done = The data folder { $data } is ready, database { $database }, { $migrations } migrations applied.
init-key = Signing key of the ledger: { $file }. Keep a copy of it in a safe place; backups do not hold it.
init-admin = { $role }: { $login }, one-time password: { $password } (shown only now; must be changed at the first sign-in).
bench-not-empty = The bench leaves data in the database; give it an empty PostgreSQL database.
init-unit = Top unit added: { $name } (code { $code }).
migrate-done = The database is up to date, { $count } migrations applied.

import-unit-added = unit added
import-unit-changed = unit changed
import-unit-moved = unit moved
import-person-added = person added
import-person-renamed = person renamed
import-person-moved = person moved
import-would = Preview: { $changed } changes, { $unchanged } unchanged. Nothing was written.
import-done = Imported: { $changed } changes, { $unchanged } unchanged.

backup-name = The name of a backup ends in .tar or .tar.gz: { $file }
backup-exists = { $file } exists and is not overwritten. Choose another name.
backup-done = Backed up to { $file }: { $rows } rows, { $files } files, { $size } sealed facts. The signing key is not in it.
backup-damaged = The file { $sha256 } was damaged before this backup and was saved as it is. Look for it in an older backup.
archive-unreadable = The backup { $file } cannot be read: { $reason }
archive-damaged = The backup { $file } is damaged: { $entry } is not what the manifest says. Use another backup.
archive-newer = The backup was made by the newer version { $version }; restore it with that version.
restore-not-empty = The database { $database } is not empty. Restore into an empty data folder (--data) or an empty database only.
restore-done = Restored a backup of version { $version }: { $rows } rows, { $files } files, { $size } sealed facts.
restore-new-log = The file store has checkpoints beyond the backup, so the ledger starts a new log; verification names it.
restore-other-root = The restored ledger is not the one in the backup's manifest.

verify-ledger = Ledger { $log }: { $size } sealed facts, root { $root }, { $tail } waiting.
verify-earlier = Earlier log { $log } up to fact { $size }, reason: { $reason }.
verify-compared = { $checkpoints } checkpoints compared, { $rollups } rollups recounted.
verify-computing = { $count } rollups are still being computed and were left out.
verify-files = { $count } files checked.
verify-problem = Problem: { $problem }
verify-file-damaged = The content of file { $sha256 } is damaged.
verify-well = Verified: no problems found.
verify-bad = Verification failed. Keep everything as it is, write no more, and compare with a backup.

doctor-source-flag = flag
doctor-source-environment = environment
doctor-source-file = file
doctor-source-default = default
doctor-folder = The data folder { $folder } can be written.
doctor-folder-bad = The data folder { $folder } cannot be written: { $reason }. Run suneng init and look at the owner of the folder.
doctor-disk = { $mebibytes } MiB free on the disk.
doctor-disk-low = Only { $mebibytes } MiB free on the disk; make room soon.
doctor-packs = { $count } packs without mistakes.
doctor-files = Files can be written: { $place }
doctor-database = The database answers and writes durably: { $settings }
doctor-database-unsafe = The database does not write durably and loses acknowledged work on a power cut; mend this: { $settings }
doctor-migrations = The database is up to date.
doctor-clock = The clock is right.
doctor-clock-back = The clock is { $seconds } seconds before the newest fact of the ledger; set the system time.
doctor-tail = { $count } facts wait to be sealed, the first for { $seconds } seconds.
doctor-tail-old = { $count } facts wait to be sealed, the first for { $seconds } seconds. See that a server is running.
doctor-address-free = The address { $address } is free.
doctor-address-ours = A server answers at { $address }.

demo-filling = Filling the demo (an invented bureau with two years of study), about half a minute …
demo-accounts = Demo accounts (login, password, role):
demo-not-empty = { $folder } holds other data, or filling it was cut off. Choose another folder, or delete it and try again.
init-no-unit = There is no unit yet: name the top one with --unit-name.
verify-audit = Audit trail: { $entries } entries checked, { $waiting } waiting; number { $size }, head { $head }

tls-file-unnamed = --tls files needs --{ $setting }.
tls-file-wrong = { $file } cannot be used for TLS: { $reason }
tls-authority = Certificate of the local authority: { $file }, also at https://{ $address }/ca.crt. Compare its SHA-256 fingerprint, then install it on every computer as a trusted root authority: { $fingerprint }

init-keyring = Keyring that personal data is sealed with: { $file }. Keep a copy of it in another place than the backups; without it personal data cannot be read. Better move it to another medium than the database and name it with --keyring.
backup-keyring = The keyring { $file } is not in the backup. Without it the personal data in the backup cannot be read: keep a copy of its own, apart from the backups.
restore-keyring = Put your copy of the keyring at { $file } before you start the server.
keys-master = { $id } { $algorithm }, { $records } records
keys-active = { $id } { $algorithm }, { $records } records, active
keys-unknown = { $id } is not in the keyring: { $records } records cannot be read
keys-rotated = New master key { $id } ({ $algorithm }). Copy the keyring to your safe place, and to the other nodes, now.
keys-progress = { $done } records wrapped anew, { $left } left
keys-done = All records are wrapped by the active master key. The older ones stay in the keyring, for older backups.
doctor-keyring = Keyring { $file }: { $masters } master keys, active { $active }.
doctor-keyring-new = There is no keyring yet; the start makes { $file }.
doctor-keyring-beside = The keyring lies beside the database, so that whoever steals the disk has both. Move it to another medium and name it with --keyring.
doctor-keyring-unknown = { $records } records are sealed with the master key { $id }, which the keyring lacks. Put back your copy of the keyring.
doctor-keyring-left = { $records } records are still wrapped by older master keys; a running server or suneng keys rotate goes on.
doctor-job-failed = The job { $kind } failed { $attempts } times and is tried again: { $reason }
doctor-backup = Newest scheduled backup: { $file }, { $hours } hours ago.
doctor-backup-none = There is no scheduled backup in { $folder } yet.
doctor-backup-old = The newest scheduled backup { $file } is { $hours } hours old. Look at the log, and at the room on the disk.
