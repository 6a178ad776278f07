/** A style sheet as text; the build makes it short (build.mjs). */
declare module "*.css" {
  const text: string;
  export default text;
}
