-- Whether the user who asks can only read: 0 = may write, 1 or 2 = read only.
SELECT toUInt8(getSetting('readonly'))
