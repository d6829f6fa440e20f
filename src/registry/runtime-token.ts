// Nest prints token and property where it cannot inject them: that is the error of an application without forRoot.
export const REMEDY = 'add BackgroundModule.forRoot() to the imports of the root module';

/** The token of an application's runtime. */
export const RUNTIME = Symbol(`the runtime of @Background(): ${REMEDY}`);
