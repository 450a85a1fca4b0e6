identity-refused = Login or password is wrong, or the account is disabled. After { $most } failures in a row an account is locked for { $minutes } minutes. If you forgot your password, ask your unit's system administrator.
identity-login = A login name has 2 to 32 small letters, digits or . _ - @ and begins with a letter or digit.
identity-login-taken = The login name “{ $login }” is taken; choose another one.
identity-person-taken = This person has an account already; one account each.
identity-person-unknown = Nobody within your scope has the staff number “{ $number }”; check the number.
identity-password-short = A password needs at least { $shortest } characters; this one has { $length }.
identity-password-long = A password has at most { $longest } characters.
identity-password-simple = A password needs at least { $classes } of: capital letters, small letters, digits, symbols. Still missing: { $upper ->
    [0] capital letters{"  "}
   *[other] {""}
 }{ $lower ->
    [0] small letters{"  "}
   *[other] {""}
 }{ $digit ->
    [0] digits{"  "}
   *[other] {""}
 }{ $symbol ->
    [0] symbols
   *[other] {""}
 }
identity-password-login = A password must contain neither the login name nor the staff number.
identity-password-same = The new password must differ from the current one.
identity-password-differs = The two new passwords differ; type them again.
identity-password-wrong = The current password is wrong. After { $most } failures in a row an account is locked for { $minutes } minutes.
identity-role-code = The role code “{ $code }” must be made of small letters, digits and hyphens.
identity-role-twice = The role “{ $code }” is there twice.
identity-role-permission = There is no permission “{ $permission }”.
identity-role-unknown = Choose a role.
identity-unit-unknown = Choose a unit within your scope.
identity-grant-ends-before = The last day cannot be before the first.
identity-date = Enter a date such as 2026-01-31.
identity-held-outside = This account also holds roles outside of your scope; ask an administrator above you.
identity-oneself = You cannot change your own account and roles; ask another administrator.

identity-brand-line = Competency cultivation for justice and public security
identity-brand-once = Enter once, use everywhere
identity-brand-once-text = Ledgers, duties, indicators and reports read the same record
identity-brand-open = Every number opens
identity-brand-open-text = Click any figure and see its rows and evidence
identity-brand-kept = Nothing gets lost
identity-brand-kept-text = A sealed ledger; corrections leave a trace
identity-sign-in-title = Sign in
identity-login-label = Login name
identity-password-label = Password
identity-sign-in-help = Forgot your password, or locked out? Ask your unit's system administrator.
identity-signed-out = You have signed out.

identity-must-change = You are using a one-time password. Choose one of your own to go on.
identity-password-change = Change password
identity-password-current = Current password
identity-password-new = New password
identity-password-again = New password again
identity-password-rule = At least { $shortest } characters with { $classes } of: capital letters, small letters, digits, symbols; without login name and staff number, none of the last { $history }{ $days ->
    [0] .
   *[other] ; changed every { $days } days.
 }
identity-password-since = Password set on { $at }
identity-password-changed = Password changed; other devices have been signed out.
identity-sessions = Signed-in devices
identity-session-agent = Browser
identity-session-address = Network address
identity-session-began = Signed in
identity-session-seen = Last used
identity-session-here = This one
identity-session-unknown = Unknown browser
identity-sign-out-others = Sign out other devices
identity-others-signed-out = Other devices have been signed out.

identity-account = Account
identity-accounts = Accounts and roles
identity-accounts-search = Login, name
identity-accounts-empty = No accounts yet
identity-accounts-empty-text = Accounts appear here once they are opened and have a role.
identity-account-new = New account
identity-account-open = Open and make a one-time password
identity-account-name = Name
identity-account-state = State
identity-account-opened = Opened on { $at }
identity-state-active = Active
identity-state-disabled = Disabled
identity-state-locked = Locked
identity-state-new = Password not chosen
identity-login-hint = 2 to 32 small letters, digits or . _ - @
identity-person = Staff number
identity-person-hint = Of the person who will use it; leave empty for technical accounts.
identity-cancel = Cancel
identity-one-time = One-time password
identity-one-time-text = This password is shown once only. It cannot be seen again after leaving this page.
identity-one-time-next = Tell it to the user in person or over a trusted channel. They choose their own at the first sign-in.
identity-one-time-done = Noted, go to the account
identity-roles = Roles
identity-roles-none = No roles
identity-roles-none-text = An account without roles can sign in but sees no data.
identity-role = Role
identity-unit = Unit
identity-unit-hint = Holds for this unit and those below it
identity-from = First day
identity-to = Last day
identity-to-hint = Leave empty if it does not end
identity-grant = Grant role
identity-granted = Role granted; it holds at once.
identity-revoke = Revoke
identity-revoke-one = Revoke the role { $role } on { $unit }
identity-revoked = Role revoked; it ended at once.
identity-grant-holds = Holds
identity-grant-later = Not yet
identity-grant-over = Over
identity-grant-revoked = Revoked
identity-reset = Reset password
identity-disable = Disable account
identity-enable = Enable account
identity-disabled = Account disabled and signed out.
identity-enabled = Account enabled.
identity-consequences = Resetting the password and disabling sign the account out everywhere at once. A disabled account can be enabled again.
identity-oneself-note = This is your own account. Another administrator must change its roles and state.

identity-audit = Audit trail
identity-audit-note = Entries are added, never changed, each linked to the one before
identity-audit-export = Export
identity-audit-from = From
identity-audit-to = To
identity-audit-all = All actions
identity-audit-at = Time
identity-audit-login = Account
identity-audit-action = Action
identity-audit-action-code = Action code
identity-audit-object-kind = Kind of object
identity-audit-object = Object
identity-audit-detail = Detail
identity-audit-address = Network address
identity-action-session-began = Signed in
identity-action-session-refused = Sign-in refused
identity-action-session-ended = Signed out
identity-action-account-opened = Account opened
identity-action-account-disabled = Account disabled
identity-action-account-enabled = Account enabled
identity-action-account-locked = Account locked
identity-action-password-changed = Password changed
identity-action-password-refused = Password change refused
identity-action-password-reset = Password reset
identity-action-role-granted = Role granted
identity-action-role-revoked = Role revoked
identity-action-audit-exported = Audit trail exported
identity-action-activity-recorded = Activity recorded
identity-action-activity-corrected = Attendance corrected
identity-action-report-made = Report made
identity-action-activity-reversed = Activity reversed
identity-password-used = A password must differ from the last { $count } ones.
identity-must-change-old = Your password is { $days } days old. Choose another one to go on.
identity-activate = Set a password with a code
identity-activate-link = Got an activation code? Set your password
identity-activate-text = Your unit’s administrator hands out activation codes in person; each is good once.
identity-activate-who = Login name or staff number
identity-activate-back = Back to sign-in
identity-activated = Password set; sign in with it.
identity-code = Activation code
identity-code-hint = Capitals, spaces and hyphens do not matter.
identity-code-refused = Login name, staff number or code is wrong, or the code is used or expired. After { $most } failures in a row an account is locked for { $minutes } minutes. For a new code see your unit’s administrator in person.
identity-code-disabled = This account is disabled; enable it first.
identity-code-issue = Issue activation code
identity-code-until = Good until
identity-code-use = On the sign-in page choose “Got an activation code?”, type what stands here and set a password of your own. The code is good once; do not pass it on.
identity-codes = Activation codes
identity-codes-issue = Issue codes for a unit
identity-codes-text = Makes codes for the people of a unit and those below it, printed as slips to be handed over in person. One each, good for { $days } days; a new one ends the older one.
identity-codes-unit-hint = With the units below it
identity-codes-all = Also for those who have a password (it stays until the code is used)
identity-codes-many = At most { $most } people at a time; choose a unit below.
identity-codes-once = The codes are shown once only. Print them now.
identity-codes-done = Printed, go back
identity-codes-none = Nobody needs a code
identity-codes-none-text = Everybody here with an account has chosen a password, or accounts have not been opened yet.
identity-codes-again = Choose another unit
identity-action-account-activated = Account activated
identity-action-code-issued = Activation code issued
identity-action-code-refused = Activation refused
identity-role-duty = There is no duty “{ $duty }”; there are system, security, audit.
identity-role-none = None yet
identity-grant-beyond = You can grant only what you hold yourself on that unit; the roles of system, security and audit administrators are granted by the security administrator.
identity-duty-taken = This account is an administrator of another kind already. System, security and audit administration exclude each other: revoke the other role first, or choose another account.
identity-duty-hands = This is a system, security or audit administrator; only the security administrator can do this.
identity-above = This account stands above you, or granted your own roles; you cannot change it.
identity-account-unit-hint = Administrators of this unit and those above it look after the account
identity-account-then = Afterwards the security administrator grants its roles.
identity-action-duty-conflict = Second duty taken back
identity-action-audit-expired = Audit entries expired
