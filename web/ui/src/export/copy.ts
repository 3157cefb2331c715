// Text to the clipboard. Browsers give pages of plain http on other hosts no
// clipboard, so there is the old way too.

export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const was = document.activeElement as HTMLElement | null, box = document.createElement("textarea");
    box.value = text;
    box.className = "sr-only";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    was?.focus();
    return done;
  }
}
