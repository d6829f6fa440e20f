import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BackgroundModule, typeOrmTracker } from 'nestjs-background';
import { bullMqEngine } from 'nestjs-background/bullmq';
import { backgroundEntities } from 'nestjs-background/typeorm';
import { Renders } from './renders.js';
import { RendersController } from './renders.controller.js';

const redis = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const url = process.env.PG_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const queue = process.env.QUEUE ?? 'renders';

@Module({})
export class AppModule {
  /** The same application in both processes; one serves, the other works. */
  static forProcess(work: boolean): DynamicModule {
    return {
      module: AppModule,
      imports: [
        // `synchronize` makes the tables of a sample; in earnest, use migrations.
        TypeOrmModule.forRoot({
          ...{ type: 'postgres', url, schema: process.env.PG_SCHEMA },
          ...{ entities: [...backgroundEntities], synchronize: !work },
        }),
        BackgroundModule.forRoot({
          tracker: typeOrmTracker(),
          engine: bullMqEngine({ redis, queue, work }),
          concurrency: 4,
        }),
      ],
      controllers: work ? [] : [RendersController],
      providers: [Renders],
    };
  }
}
