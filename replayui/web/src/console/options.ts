/** An option of a list, as it is offered. */
export interface Offered { index: number; text: string; disabled: boolean; selected: boolean; hidden: boolean }

/** A run of options under one heading; "" for none. */
export interface OptionGroup { heading: string; options: Offered[] }

/** The options of a native list, by their groups. */
export function groupsOf(el: HTMLSelectElement): OptionGroup[] {
  const groups: OptionGroup[] = [];
  let last: Element | null | undefined;
  [...el.options].forEach((o, index) => {
    const group = o.closest("optgroup");
    if (last === undefined || group !== last) groups.push({ heading: group?.label ?? "", options: [] });
    last = group;
    groups.at(-1)!.options.push({ index, text: o.label.trim() || " ", disabled: o.disabled || (group?.disabled ?? false), selected: o.selected, hidden: !!o.hidden });
  });
  return groups;
}

/** How many rows show all of it, headings too, up to a limit. */
export function rowsOf(groups: OptionGroup[], most = 12): number {
  const rows = groups.reduce((n, g) => n + g.options.filter((o) => !o.hidden).length + (g.heading ? 1 : 0), 0);
  return Math.max(2, Math.min(most, rows));
}

/** The value of a select request. */
export function valueOf(list: HTMLSelectElement): string {
  return [...list.options].filter((o) => o.selected).map((o) => o.value).join();
}
