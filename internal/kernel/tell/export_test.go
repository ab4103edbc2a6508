package tell

// Ways is the decision alone, for the table of all that may be chosen.
var Ways = ways

// Way is one that it names.
type Way = way
