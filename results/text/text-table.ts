/** One cell: its text, and how to paint it once it has been padded. */
export interface Cell {
  readonly text: string;
  readonly align?: 'left' | 'right';
  readonly paint?: ((padded: string) => string) | undefined;
}

/** Lines of a table with columns as wide as their widest cell, two spaces apart. Cells must be single lines without escapes. */
export function textTable(rows: readonly (readonly Cell[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, { text }] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(text));
  }
  return rows.map((row) =>
    row
      .map(({ text, align, paint = (padded) => padded }, column) => {
        const space = ' '.repeat((widths[column] ?? 0) - widthOf(text));
        // Space at the end of a line is of no use, and wraps in narrow terminals.
        const isLast = column === row.length - 1;
        return align === 'right' ? space + paint(text) : paint(text) + (isLast ? '' : space);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** In characters; enough for names and numbers. */
function widthOf(text: string): number {
  return [...text].length;
}
