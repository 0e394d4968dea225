package io.github.dvfl

/** `unknown KIND 'VALUE'; did you mean 'X'? choices: ...`, one line. */
internal fun unknown(
    kind: String,
    value: String,
    choices: Collection<String>,
): String {
    val typed = value.trim().lowercase()
    val closest = choices.minByOrNull { edits(typed, it) }
    // Names are short: two slips in a word of five letters still count, another word does not.
    val near = closest != null && 2 * edits(typed, closest) <= maxOf(typed.length, closest.length)
    val guess = if (near) " did you mean '$closest'?" else ""
    return "unknown $kind '$value';$guess choices: ${choices.joinToString().ifEmpty { "none" }}"
}

/** The Levenshtein distance. */
private fun edits(
    first: String,
    second: String,
): Int {
    var above = IntArray(second.length + 1) { it }
    for (row in 1..first.length) {
        val current = IntArray(second.length + 1)
        current[0] = row
        for (column in 1..second.length) {
            val replaced = above[column - 1] + if (first[row - 1] == second[column - 1]) 0 else 1
            current[column] = minOf(replaced, above[column] + 1, current[column - 1] + 1)
        }
        above = current
    }
    return above[second.length]
}
