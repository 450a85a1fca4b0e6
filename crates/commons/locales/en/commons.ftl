# Sheets
sheet-file-too-large = The file “{ $file }” is larger than { $mebibytes } MB. Remove pictures and sheets that are not needed and upload it again.
sheet-too-large = The file “{ $file }” holds too much to be read. Remove what is not needed, or split it into several files.
sheet-too-many-rows = The file “{ $file }” has more than { $rows } rows. Split it into several files.
sheet-too-many-columns = The file “{ $file }” has more than { $columns } columns. Remove the columns that are not needed.
sheet-broken = The file “{ $file }” is damaged and cannot be read. Open it in a spreadsheet program, save it as xlsx and upload it again.
sheet-password = The file “{ $file }” has a password. Remove the password and upload it again.
sheet-old-excel = The file “{ $file }” is in the old Excel format (xls). Save it as xlsx and upload it again.
sheet-not-a-table = The file “{ $file }” is not a table. Upload an xlsx or csv file.
sheet-encoding = The text encoding of the file “{ $file }” is not known. Save it as xlsx, or as csv in UTF-8.
sheet-nothing = The file “{ $file }” is empty.
sheet-cell-too-long = The text in cell { $cell } of the file “{ $file }” is too long. Check that every quotation mark is closed.
sheet-no-header = There is no header row. It should have these columns: { $columns }.
sheet-columns-missing = The header row lacks these columns: { $columns }.
sheet-column-twice = The column “{ $column }” is there twice, also at { $other }. Keep one of them.
sheet-cell-empty = This may not be empty.
sheet-cell-not-a-date = “{ $value }” is not a date. Write it like 2026-01-31.
sheet-export-too-large = This is more than one sheet can hold. Narrow the selection, or take csv.

# Packs
pack-not-understood = The pack has a mistake: { $detail }
pack-code = The pack code “{ $code }” may only have small letters, digits and hyphens, a letter first.
pack-code-twice = The pack code “{ $code }” is already used by the file “{ $other }”.
pack-name-empty = A pack needs a Chinese and an English name.
pack-version = A pack needs a version of letters, digits, dots and hyphens.
pack-table-unknown = Nothing reads the section “{ $table }”. Check the spelling.
pack-holiday-date = “{ $date }” is not a date of the holiday notice of { $year }. Write it like 2026-01-31.
pack-holiday-both = { $date } is listed both as a day off and as a workday.

# Files
file-damaged = The file is not as it was when it was stored and may be damaged; ask the administrator to restore it from a backup. Digest: { $sha256 }
file-too-large = The file is larger than { $mebibytes } MB.
file-store-away = The file store is away for the moment; try again later. Reason: { $reason }
file-store-not-opened = The file store “{ $place }” cannot be opened: { $reason }
disk-full = The server's disk is full and nothing was saved. Ask the administrator to make room, then try again.

# Identifiers
id-number-length = A resident identity number has 18 characters, this one has { $length }. Copy it again from the identity card.
id-number-character = Character { $place } of the identity number is wrong: the first 17 are digits, the first of them not 0, the last may be X. Check it against the identity card.
id-number-date = The birth date { $date } in the identity number does not exist. Check characters 7 to 14 against the identity card.
id-number-future = The birth date { $date } in the identity number is after today. Check characters 7 to 14 against the identity card.
id-number-check = The check character of the identity number does not fit: at least one character is wrong. Compare each with the identity card.
id-number-old = This number of 15 digits cannot be converted. Enter the number of 18 characters.
id-number-converted = The number of 15 digits was converted to 18: { $number }. Please check it.
credit-code-length = A unified social credit code has 18 characters, this one has { $length }. Copy it again from the certificate.
credit-code-character = Character { $place } of the credit code cannot be “{ $character }”: the letters I, O, S, V and Z are not used, characters 3 to 8 are digits. Check it against the certificate.
credit-code-check = The check character of the credit code does not fit: at least one character is wrong. Compare each with the certificate.
mobile-character = Character { $place } of the mobile number is not a digit. Please correct it.
mobile-length = A mobile number has 11 digits, this one has { $length }. Please correct it.
mobile-beginning = A mobile number begins with 13 to 19. Please correct it.

# Appointment forms
lrmx-too-large = The file “{ $file }” is larger than { $mebibytes } MB. Make the photograph smaller and save it again.
lrmx-too-many = The file “{ $file }” holds too much for an appointment form. Open it in the forms program, save it again and upload it.
lrmx-other = The file “{ $file }” is not an appointment form (lrmx). Export an lrmx file from the forms program.
lrmx-old = The file “{ $file }” is an appointment form of the old kind (lrm). Open it in a newer forms program, save it as lrmx and upload it again.
lrmx-broken = The file “{ $file }” is damaged near line { $line } and cannot be read. Open it in the forms program, save it again and upload it.
lrmx-doctype = The file “{ $file }” has a document type definition, which is not allowed; it was not read. Export it again from the forms program.
lrmx-empty = Nothing is filled in in the file “{ $file }”.
lrmx-field-too-long = The field “{ $field }” of the file “{ $file }” has more than { $characters } characters. Shorten it and upload the file again.
lrmx-photo-too-large = The photograph in the file “{ $file }” is larger than { $mebibytes } MB. Use a smaller one.
lrmx-photo-broken = The photograph cannot be read and was left out; everything else is good. Upload a photograph by itself where one is needed.
pack-secrecy-word = The secrecy word “{ $word }” needs two characters at least, and its exceptions must contain it.

# Levels of secrecy
pack-secrecy-level = The level of secrecy “{ $code }” is wrong: codes are small letters, digits and hyphens, each once; state secrets stand last; the usual level is one, and no state secret.
pack-secrecy-usual = None of the levels of secrecy is the usual one. Write usual = true to one of them.
secrecy-highest = There is no level of secrecy “{ $code }” that can be held here. The setting highest-level is one of: { $codes }.
secrecy-level-unknown = There is no such level of secrecy. Choose one of those listed.
secrecy-level-above = This system holds records up to “{ $most }”, not “{ $level }”. Record it in a system that your agency approved for it, or on paper; an administrator can change what may be held here.
secrecy-level-classified = “{ $level }” is a state secret and may not be entered here. Stop, work on a computer for state secrets, and tell the office for secrecy of your agency.

# Contents of uploaded files
contents-too-large = The file holds more than { $mebibytes } MB once unpacked, or too many parts; it was not read. Split it into smaller files.

# Forms
form-circle = The form { $form } extends itself
form-too-deep = Too many forms extend one another
form-base-unknown = There is no version { $version } of the form { $form } to extend
form-too-long = A form has at most { $most } items
form-empty = The form has no item
form-code = The code { $code } may have small letters, digits and hyphens only, a letter first
form-section = The section code { $code } is wrong or used twice
form-item-twice = The item code { $code } is used already
form-stricter-unknown = No such item is inherited that could be made stricter
form-not-stricter = What is inherited can be made stricter, not looser
form-text-empty = The Chinese or the English text is missing
form-points = Points lie between 0 and { $most }
form-options-alike = Codes of choices are wrong or used twice
form-options-few = At least two choices are needed
form-share = The part of the points lies between 0 and 1000
form-share-out-of-reach = With these choices nobody can reach all points
form-threshold = The threshold is wrong: limits crossed, negative or above the points
form-text-length = The limit of characters lies between 1 and 20000
form-not-scored = Words and days earn no points
form-item-unknown = The form has no such item
form-missing = This must be answered
form-why-not = Say why it does not apply
form-evidence = Files must go with this
form-text-most = At most { $most } characters
form-files-most = At most { $most } files
form-number = A whole number between 0 and { $most } is wanted
form-score = Points lie between 0 and { $most }
form-answer-unknown = This is no answer to the item
