# Keyring
keyring-missing = The keyring “{ $path }” is missing. Make one at the first use; if there was one before, restore it from the copy kept elsewhere and do not make a new one, or the sealed data cannot be read.
keyring-exists = There is a keyring “{ $path }” already; it was not overwritten. Rotate to change the key.
keyring-unreadable = The keyring “{ $path }” cannot be read: { $reason }. Check who owns the file and its mode.
keyring-unwritable = The keyring “{ $path }” cannot be written: { $reason }. The keys have not changed.
keyring-under-way = The keyring is being changed, or an earlier change was cut off. If you are sure that nothing is under way, delete “{ $path }” and try again.
keyring-line = Line { $line } of the keyring “{ $path }” is wrong or damaged. Restore the file from the copy kept elsewhere.
keyring-incomplete = The keyring “{ $path }” is not complete: the index key is missing, or it does not say which master key is active. Restore the file from the copy kept elsewhere.
keyring-algorithm-line = The algorithm “{ $algorithm }” in line { $line } of the keyring “{ $path }” is not supported. Check that the cryptographic module is there.
keyring-algorithm = The algorithm “{ $algorithm }” is not supported; the keyring “{ $path }” has not changed. Algorithms: { $known }.
keyring-mode = The keyring “{ $path }” has the mode { $mode }: other users can read it. Change it to 600.

# Sealed data
crypt-erased = The personal data of this record was erased; nothing can be added to it.
crypt-no-master-key = The keyring lacks the master key “{ $key }”; the personal data sealed with it cannot be read for now. Ask the administrator to restore the keyring.
crypt-other-keyring = The keyring “{ $path }” is not the one this database was used with. Put the right one back.
