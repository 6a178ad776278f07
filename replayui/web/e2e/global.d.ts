interface Window {
  pillionPlayer?: { seek(ms: number): Promise<void>; readonly duration: number; readonly time: number };
}
